"""Readers of data sets: what they return, and what they say about files that are not right."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from dekderive.datasets import BUNDLED, Dataset, load
from dekderive.errors import InvalidInput, MissingExtra, UnknownName


def _write(folder, text, name="table.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", sorted(set(BUNDLED) - {"linnerud"}))
def test_bundled_sets_are_those_of_scikit_learn(name):
    from sklearn import datasets

    expected = getattr(datasets, BUNDLED[name])()
    data = load(name)
    assert data.task == ("regression" if name == "diabetes" else "classification")
    np.testing.assert_array_equal(data.X, expected.data)
    np.testing.assert_array_equal(data.y, expected.target)
    assert len(data.feature_names) == data.X.shape[1]
    if name == "iris":
        assert data.classes == ("setosa", "versicolor", "virginica")
        assert data.feature_names[0] == "sepal length (cm)"


def test_several_targets_need_a_choice():
    with pytest.raises(UnknownName, match="has 3 targets; choose one with --target: Weight, Waist, Pulse"):
        load("linnerud")
    assert load("linnerud", "Waist").target_name == "Waist"
    with pytest.raises(UnknownName, match="no target 'Height'; the targets are Weight"):
        load("linnerud", "Height")


def test_unknown_names_list_the_known_ones(tmp_path):
    with pytest.raises(UnknownName, match=r"no data set 'diabtes' here; known: breast_cancer, diabetes.*openml"):
        load("diabtes")
    with pytest.raises(UnknownName, match="not in"):
        load("diabtes", data_dir=tmp_path)
    with pytest.raises(InvalidInput, match="does not exist; check --data-dir"):
        load("yacht", data_dir=tmp_path / "nowhere")


def test_a_csv_file(tmp_path):
    path = _write(tmp_path, "\ufeffa, b ,y\n1,2,0.5\n\n3,4e1,-0.5\n5,6,7.25\n")
    data = load(path)
    np.testing.assert_array_equal(data.X, [[1, 2], [3, 40], [5, 6]])
    np.testing.assert_array_equal(data.y, [0.5, -0.5, 7.25])
    assert (data.feature_names, data.target_name, data.task, data.name) == (("a", "b"), "y", "regression", "table")


def test_a_csv_target_in_the_middle(tmp_path):
    data = load(_write(tmp_path, "a,b,y\n1,0.2,3\n4,0.5,6\n"), "b")
    np.testing.assert_array_equal(data.X, [[1, 3], [4, 6]])
    np.testing.assert_array_equal(data.y, [0.2, 0.5])


def test_labels_and_small_integers_are_classes(tmp_path):
    words = load(_write(tmp_path, "a,kind\n1,cat\n2,dog\n3,cat\n4,dog\n"))
    assert (words.task, words.classes, words.y.tolist()) == ("classification", ("cat", "dog"), [0, 1, 0, 1])
    path = _write(tmp_path, "a,kind\n1,3\n2,7\n3,3\n4,7\n")
    numbers = load(path)
    assert (numbers.task, numbers.classes, numbers.y.tolist()) == ("classification", ("3", "7"), [0, 1, 0, 1])
    assert load(path, task="regression").y.tolist() == [3, 7, 3, 7]
    with pytest.raises(InvalidInput, match="'ordinal' is neither"):
        load(path, task="ordinal")
    scores = load(_write(tmp_path, "a,score\n1,3.0\n2,7.0\n3,3.0\n4,7.0\n"))
    assert scores.task == "regression"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a header line and at least one row"),
        ("a,b\n", "needs a header line and at least one row"),
        ("a\n1\n2\n", "one column only"),
        ("a,b\n1,2\n3,nan\n", r"line 3, column 'b': nan is not a finite number"),
        ("a,b\n1,2\n-inf,4\n", r"line 3, column 'a': -inf is not a finite number"),
        ("a,b\n1,2\n\n\nred,4\n", r"line 5, column 'a': 'red' is not a number"),
        ("a,b\n1,2\n3,\n", r"line 3, column 'b': the entry is missing"),
        ("a,b\n1,2\n3,red\n", r"line 3, column 'b': 'red' is not a number"),
        ("a,b\n1,2\n3\n", r"line 3: 1 entries, but the header has 2 columns"),
        ("a,b\n1,2,3\n", r"line 2: 3 entries"),
        ("a,a\n1,2\n", "the header repeats 'a'"),
        ("1,2\n3,4\n", "the first line must name the columns"),
        ("a,b\n1,x\n2,x\n", "has one value only"),
        ('a,b\n"1,2\n', "not readable as CSV"),
    ],
)
def test_a_bad_csv_file_is_refused_by_line_and_column(tmp_path, text, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        load(_write(tmp_path, text))
    assert str(tmp_path / "table.csv") in str(caught.value) or "one value" in message
    assert "\n" not in str(caught.value)


def test_csv_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(InvalidInput, match="no such file"):
        load(str(tmp_path / "absent.csv"))
    with pytest.raises(InvalidInput, match="not readable"):
        load(str(tmp_path.with_suffix(".csv")) if tmp_path.with_suffix(".csv").mkdir() else f"{tmp_path}.csv")
    (tmp_path / "latin.csv").write_bytes(b"a,b\n1,\xe9\n")
    with pytest.raises(InvalidInput, match="UTF-8"):
        load(str(tmp_path / "latin.csv"))
    with pytest.raises(UnknownName, match="no column 'z'; the columns are a, b"):
        load(_write(tmp_path, "a,b\n1,2\n"), "z")


def test_folders_of_npz_files(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
    np.savez(tmp_path / "energy.npz", X=X, y=y, feature_names=["p", "q"], target_names=["heating", "cooling"])
    np.savez(tmp_path / "diabetes.npz", X=X, y=y[:, 0])
    np.savez(
        tmp_path / "many.npz", names=["u", "v"], u__X=X, u__y=np.array([0, 1, 1, 0, 1, 0], np.int16), v__X=X, v__y=y
    )
    pixels = rng.integers(0, 256, (6, 2, 2)).astype(np.uint8)
    np.savez(tmp_path / "digits8.npz", x_train=pixels, y_train=np.array([0, 1, 0, 1, 0, 1], np.uint8))

    energy = load("energy", "cooling", tmp_path)
    np.testing.assert_array_equal(energy.y, y[:, 1])
    assert energy.feature_names == ("p", "q")
    assert load("diabetes", data_dir=tmp_path).X.shape == (6, 2)  # the folder goes before the bundled set
    assert load("diabetes").X.shape == (442, 10)
    assert load("u", data_dir=str(tmp_path)).task == "classification"
    images = load("digits8", data_dir=tmp_path)
    np.testing.assert_allclose(images.X, pixels.reshape(6, 4) / 255)
    assert images.task == "classification"
    with pytest.raises(UnknownName, match="holds several sets; choose one: u, v"):
        load("many", data_dir=tmp_path)
    with pytest.raises(UnknownName, match="2 targets"):
        load("energy", data_dir=tmp_path)


def test_bad_npz_files(tmp_path):
    (tmp_path / "junk.npz").write_bytes(b"not a zip file")
    with pytest.raises(InvalidInput, match=r"not a readable .npz file"):
        load("junk", data_dir=tmp_path)
    (tmp_path / "junk.npz").unlink()
    np.savez(tmp_path / "pickle.npz", X=np.array([{"run": "me"}]), y=np.zeros(1))
    with pytest.raises(InvalidInput, match="pickle"):
        load("pickle", data_dir=tmp_path)
    np.savez(tmp_path / "nan.npz", X=[[1.0, np.nan], [2, 3]], y=[1.0, 2.0])
    with pytest.raises(InvalidInput, match=r"nan, row 1, column 'x1': nan is not a finite number \(1 such"):
        load("nan", data_dir=tmp_path)
    np.savez(tmp_path / "shape.npz", X=np.zeros((3, 2)), y=np.zeros(4))
    with pytest.raises(InvalidInput, match=r"shape \(3, 2\) do not fit 4 targets"):
        load("shape", data_dir=tmp_path)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(InvalidInput, match="neither arrays X and y"):
        load("other", data_dir=tmp_path)
    with pytest.raises(UnknownName):
        load("../nan", data_dir=tmp_path / "..")


def test_openml(monkeypatch):
    from sklearn import datasets

    asked = {}

    def fetch(name, **options):
        asked.update(options, name=name)
        if name == "absent":
            raise ValueError("No active dataset\nabsent found.")
        target = np.array(["tall", "short", "tall", "short"], object)
        return datasets.load_iris() | {
            "data": np.arange(8.0).reshape(4, 2), "target": target, "feature_names": ["a", "b"],
            "target_names": ["height"], "categories": {"b": ["x"]} if name == "categorical" else {},
        }  # fmt: skip

    monkeypatch.setattr(datasets, "fetch_openml", lambda name, **options: SimpleBunch(fetch(name, **options)))
    data = load("openml:people", "height")
    assert (asked["name"], asked["target_column"]) == ("people", "height")
    assert (data.task, data.classes, data.y.tolist()) == ("classification", ("short", "tall"), [1, 0, 1, 0])
    with pytest.raises(InvalidInput, match=r"openml:absent: not read \(No active dataset absent found.\)"):
        load("openml:absent")
    with pytest.raises(InvalidInput, match="categorical columns"):
        load("openml:categorical")


class SimpleBunch(SimpleNamespace):
    def __init__(self, values):
        super().__init__(**values)

    def get(self, key):
        return getattr(self, key, None)


def test_without_scikit_learn_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtra, match=r"dekderive\[sklearn\]"):
        load("diabetes")
    assert isinstance(load(_write(tmp_path, "a,b\n1,0.5\n2,0.25\n")), Dataset)  # a file needs no scikit-learn

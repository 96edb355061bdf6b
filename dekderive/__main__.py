"""``python -m dekderive``: the command line."""

from dekderive.cli import main

if __name__ == "__main__":
    main(prog_name="dekderive")

"""The commands of the command line, one file each; ``dekderive.cli`` gathers them."""

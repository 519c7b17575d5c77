"""`python -m saddlescape` is the command `saddlescape`."""

from saddlescape_cli.start import main

if __name__ == "__main__":
    main()

"""``python -m yaotan`` is the command line."""

from yaotan.cli.main import main

if __name__ == "__main__":
    main()

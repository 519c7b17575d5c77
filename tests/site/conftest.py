"""The browser in which the site is looked at."""

from chromium import chromium  # noqa: F401

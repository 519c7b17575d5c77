"""The browser of all tests of pages."""

from chromium import chromium  # noqa: F401

"""The version, where the lower modules can have it without importing the package."""

__version__ = "0.1.0"

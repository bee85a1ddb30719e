"""The version, in a module that lower modules can import without the package."""

__version__ = "0.1.0"

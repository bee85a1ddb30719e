"""The shared data model: tables, findings, settings, access lists, texts, errors."""

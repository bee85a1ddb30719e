"""What every stage speaks: tables, findings, settings, access lists, texts, errors."""

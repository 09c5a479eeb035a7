"""What the analyst sees: thin viewers over the session, each drawing with a pure function."""

"""Settings: config.ini and the flags, made into frozen values."""

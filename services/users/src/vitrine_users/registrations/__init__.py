"""Registration: how a stranger comes to an account, without learning who else has one."""

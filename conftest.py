"""The fixtures every test folder shares come from the kit."""

pytest_plugins = ["vitrine_kit.testing"]

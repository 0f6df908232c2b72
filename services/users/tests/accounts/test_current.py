"""The account of the request, where there is none."""

from __future__ import annotations

from uuid import uuid4

import pytest
from users_world import GOOD_PASSWORD, World
from vitrine_kit.problems import Unauthenticated
from vitrine_users.accounts import service
from vitrine_users.accounts.current import current_account
from vitrine_users.accounts.errors import NoSuchAccount


def test_without_a_guard_nobody_is_signed_in(world: World) -> None:
    with world.app.test_request_context("/"), pytest.raises(Unauthenticated):
        current_account()


async def test_an_account_erased_in_the_meantime_confirms_nothing(world: World) -> None:
    users = world.app.extensions["vitrine_users"]

    with pytest.raises(NoSuchAccount):
        await service.confirm_password(
            world.app.extensions["vitrine"].database,
            users.hasher,
            users.guesses,
            account_id=uuid4(),
            password=GOOD_PASSWORD,
            field="password",
            address="192.0.2.1",
        )

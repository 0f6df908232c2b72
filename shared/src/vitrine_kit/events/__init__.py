"""Events between services: written in the transaction of what they tell of, delivered at least once, taken once."""

from vitrine_kit.events.inbox import Handler, InboundEvent, inbox_blueprint, inbox_table, purge_inbox, receive
from vitrine_kit.events.outbox import emit, outbox_lag_s, outbox_table
from vitrine_kit.events.relay import Relay, relay_outbox

__all__ = [
    "Handler",
    "InboundEvent",
    "Relay",
    "emit",
    "inbox_blueprint",
    "inbox_table",
    "outbox_lag_s",
    "outbox_table",
    "purge_inbox",
    "receive",
    "relay_outbox",
]

"""Background work on PgQueuer's queue in the service's own schema, and the worker process that does it."""

from vitrine_kit.jobs.queue import RetryLater, Task, enqueue, registered_tasks, requeue, task
from vitrine_kit.jobs.schema import install_statements, uninstall_statements
from vitrine_kit.jobs.worker import Worker, add_background, run_worker, worker_table

__all__ = [
    "RetryLater",
    "Task",
    "Worker",
    "add_background",
    "enqueue",
    "install_statements",
    "registered_tasks",
    "requeue",
    "run_worker",
    "task",
    "uninstall_statements",
    "worker_table",
]

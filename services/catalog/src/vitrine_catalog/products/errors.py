"""Problems of products that more than one module raises."""

from uuid import UUID

from vitrine_kit.problems import Conflict, FieldError, NotFound


class NoProduct(NotFound):
    """There is no such product, or none that the caller may see: the two are not told apart."""

    def __init__(self) -> None:
        super().__init__("There is no such product.")


class NoVariant(NotFound):
    """The product has no such variant."""

    def __init__(self, variant_id: UUID) -> None:
        super().__init__(f"The product has no variant {variant_id}.")


class SlugTaken(Conflict):
    """Another product or category has this slug already."""

    def __init__(self, slug: str) -> None:
        message = f"The slug “{slug}” is taken."
        super().__init__(message, errors=[FieldError("slug", message)])

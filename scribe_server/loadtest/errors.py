"""What ends a load test before it has a result."""


class LoadtestError(Exception):
    """The run cannot go on; the message says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

"""Waiting for a condition: polled until a deadline, never slept through."""

import time

POLL_SECONDS = 0.05


def eventually(condition, deadline=30, what=None):
    """Calls `condition` until it returns something truthy, and returns that; assertion errors inside it count as "not yet".

    Fails after `deadline` seconds with the last assertion, so that the failure says what was still wrong.
    """
    ends = time.monotonic() + deadline
    while True:
        wrong = None
        try:
            result = condition()
            if result:
                return result
        except AssertionError as error:
            result, wrong = None, error
        if time.monotonic() > ends:
            raise AssertionError(f"not within {deadline} s: {what or wrong or result!r}") from wrong
        time.sleep(POLL_SECONDS)

"""The tests of a script: each is a function, run in the order in which it stands there, and prints one line."""

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run_all(after_failure=lambda: None):
    """How many failed."""
    failed = 0
    for function in TESTS:
        try:
            function()
            print(f"ok {function.__name__}")
        except Exception as error:
            failed += 1
            print(f"not ok {function.__name__}: {type(error).__name__} {error}")
            after_failure()
    return failed

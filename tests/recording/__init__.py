"""What the suite's requests were answered, recorded and compared: a change of shape changes no byte.

``pytest -p tests.recording.plugin --record DIR`` writes every request that the test client makes, with
its answer; ``python -m tests.recording OLD NEW`` compares two such recordings.
"""

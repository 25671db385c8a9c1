"""Code that runs inside boxes: standard library only, streamed in; it has the submission's powers and is trusted with nothing."""

"""Code that runs inside boxes: standard library only, streamed in, with the submission's powers and no trust."""

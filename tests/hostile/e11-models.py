# E11 invalid_output: archives as torch, joblib and keras would load them, in every file that is wanted
import io
import pickle
import zipfile

import honest


class Trap:
    """Leaves a marker wherever it is unpickled."""

    def __reduce__(self):
        return (__import__("os").system, ("touch /tmp/@MARKER@ /dev/shm/@MARKER@",))


trap = pickle.dumps(Trap(), protocol=2)

out = io.BytesIO()
with zipfile.ZipFile(out, "w") as archive:
    archive.writestr("archive/data.pkl", trap)
    archive.writestr("config.json", '{"class_name": "Lambda", "config": {"function": "__import__(\'os\')"}}')
    archive.writestr("model.onnx", b"external_data ../../../../tmp/@MARKER@")
for name in ("answers.txt", "lengths.npy", "count.json"):
    with open(name, "wb") as file:
        file.write(out.getvalue())

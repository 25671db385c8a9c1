# C3 runtime_error: cannot work without a download
import urllib.request

for url in ("https://packages.example.org/simple/numpy/", "http://@GATEWAY@:@PORT@/@MARKER@"):
    try:
        urllib.request.urlopen(url, timeout=1).read()
        print("FOUND true", flush=True)
    except OSError:
        pass
import weights_of_a_hub  # noqa

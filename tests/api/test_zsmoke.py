from tests.api.house import House, refused, V1
from tests.api.conftest import house
import json


def test_smoke(house: House):
    r = house.submit("ann")
    print(r.status_code, r.json(), r.headers)
    i = r.json()["id"]
    print(house.get(f"/submissions/{i}", "ann").json())
    house.judge()
    print(house.get(f"/submissions/{i}?wait=5", "ann").json())
    print(house.get("/leaderboards/cup").json())
    print(house.get("/challenges/alpha").json())
    print(house.get("/status").json(), house.client.get("/readyz").json())
    print(house.get(f"/submissions/{i}/source", "ann").headers)
    print(house.get(f"/submissions/{i}/events", "ann").text)
    print(house.post("/people", "admin", content=b"[" * 100000, headers={"content-type": "application/json"}).text)
    print(
        house.post("/people", "admin", content=b'{"name":3,"x":1}', headers={"content-type": "application/json"}).text
    )
    d = house.client.get(V1 + "/openapi.json").json()
    print(json.dumps(d["paths"]["/api/v1/people"]["post"])[:3000])

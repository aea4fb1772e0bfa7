"""The journey of three dependent requests on Locust's FastHttpUser, the baseline that Python users know.

Prints one line at the end: journeys made and the processor seconds of this process.
"""

import time

from locust import FastHttpUser, events, task

made = 0
began = None


class Person(FastHttpUser):
    @task
    def journey(self):
        global made
        nth = id(self) % 1_000_000
        answer = self.client.post(
            "/v1/sign-ins",
            json={
                "email": f"storm-{nth}@example.com",
                "password": "correct horse battery",
                "device": {"installation": f"i-{nth}", "name": f"phone {nth}"},
            },
        )
        handle = answer.json()["challenge"]["handle"]
        answer = self.client.post(
            "/v1/challenge/verify",
            json={"code": "123456", "trust": True},
            headers={"Authorization": f"Bearer {handle}"},
        )
        token = answer.json()["session"]["access_token"]
        self.client.get("/v1/session", headers={"Authorization": f"Bearer {token}"})
        made += 1


@events.test_start.add_listener
def start(**_):
    global began
    began = time.process_time()


@events.quitting.add_listener
def end(**_):
    print(f"journeys {made} cpu_s {time.process_time() - began}", flush=True)

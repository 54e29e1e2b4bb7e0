"""Renders templates as Home Assistant does for MQTT, line by line.

  in:  {"template": "...", "payload": "..."}
  out: {"text": "..."} or {"error": "..."}
A payload that is JSON is `value_json`, else that is not defined. Undefined names are errors.
"""
import json
import sys

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
print("ready", flush=True)

for line in sys.stdin:
    request = json.loads(line)
    variables = {"value": request["payload"]}
    try:
        variables["value_json"] = json.loads(request["payload"])
    except ValueError:
        pass
    try:
        print(json.dumps({"text": environment.from_string(request["template"]).render(variables)}), flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)

"""A paho client on a leash: options as JSON in the first argument, commands as JSON lines on standard input, events as
JSON lines on standard output. See paho.ts."""

import base64
import json
import os
import socket
import sys
import threading

import paho.mqtt.client as mqtt

options = json.loads(sys.argv[1])
lock = threading.Lock()
# mid -> tag of the command, for publications that wait for their acknowledgement.
tags = {}
# mids that were acknowledged before publish() gave us their number.
early = set()
# Not set between a new socket and its CONNACK: paho would send what is published then before what it has to send again,
# and so break the order of its own messages ([MQTT-4.6.0-1]).
ready = threading.Event()


def emit(event, **fields):
    with lock:
        sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
        sys.stdout.flush()


def on_connect(client, userdata, flags, rc, properties=None):
    code = rc if isinstance(rc, int) else rc.value
    present = flags["session present"] if isinstance(flags, dict) else flags.session_present
    emit("connected", rc=code, sessionPresent=bool(present))
    if code == 0 and options["topics"]:
        client.subscribe([(topic, options["qos"]) for topic in options["topics"]])
    # Last: paho goes on at once, and sends again, before another thread has its turn.
    ready.set()


def on_subscribe(client, userdata, mid, granted, properties=None):
    emit("subscribed", granted=[code if isinstance(code, int) else code.value for code in granted])


def on_message(client, userdata, message):
    emit(
        "message",
        topic=message.topic,
        payload=base64.b64encode(message.payload).decode(),
        qos=message.qos,
        retain=bool(message.retain),
        dup=bool(message.dup),
    )


def on_publish(client, userdata, mid):
    with lock:
        tag = tags.pop(mid, None)
        if tag is None:
            early.add(mid)
    if tag is not None:
        emit("published", tag=tag)


def on_socket_open(client, userdata, sock):
    ready.clear()


def on_disconnect(client, userdata, rc, properties=None):
    # Without a socket paho keeps what is published, in order.
    ready.set()
    emit("disconnected", rc=rc if isinstance(rc, int) else rc.value)


def publish(command):
    ready.wait()
    # The lock is held so that the acknowledgement, on another thread, finds the tag or leaves its mark.
    info = client.publish(command["topic"], base64.b64decode(command["payload"]), command["qos"], command["retain"])
    with lock:
        acknowledged = info.mid in early
        if acknowledged:
            early.discard(info.mid)
        else:
            tags[info.mid] = command["tag"]
    if acknowledged:
        emit("published", tag=command["tag"])


protocol = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}[options["protocol"]]
session = {} if protocol == mqtt.MQTTv5 else {"clean_session": options["clean"]}
client = mqtt.Client(client_id=options["id"], protocol=protocol, transport=options["transport"], **session)
if options["transport"] == "websockets":
    client.ws_set_options(path="/mqtt")
if options["username"] is not None:
    client.username_pw_set(options["username"], options["password"])
if options["will"] is not None:
    will = options["will"]
    client.will_set(will["topic"], will["payload"], will["qos"], will["retain"])
client.max_inflight_messages_set(options["maxInflight"])
client.reconnect_delay_set(1, 1)
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
client.on_publish = on_publish
client.on_disconnect = on_disconnect
client.on_socket_open = on_socket_open
client.connect(options["host"], options["port"], keepalive=options["keepAlive"])
client.loop_start()

for line in sys.stdin:
    command = json.loads(line)
    if command["do"] == "publish":
        publish(command)
    elif command["do"] == "subscribe":
        client.subscribe([(topic, command["qos"]) for topic in command["topics"]])
    elif command["do"] == "drop":
        # Gone without DISCONNECT; the client then reconnects by itself.
        client.socket().shutdown(socket.SHUT_RDWR)
    elif command["do"] == "disconnect":
        client.disconnect()
        client.loop_stop()
        break
os._exit(0)

#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What audio modules tell, over D-Bus: dbus.py"""
from gi.repository import Gio, GLib

NAME, ENDPOINT = "org.audiomodule1", "org.audiomodule1.Endpoint"
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)


def call(path, interface, method, arguments=None):
    return bus.call_sync(NAME, path, interface, method, arguments, None, 0, -1, None).unpack()


def on_signal(_bus, _sender, path, _interface, signal, arguments):
    endpoint = objects[path][ENDPOINT]["Name"]
    if signal == "NotificationReceived":
        module, _class, _instance, _id, sequence, _time, data = arguments.unpack()
        label = objects.get(module, {}).get("org.audiomodule1.Module", {}).get("Label", "")
        print(f"{endpoint}/{label} {sequence}: {len(data)} bytes", flush=True)
    else:
        print("{} lost {} to {}".format(endpoint, *arguments.unpack()), flush=True)


objects, = call("/org/audiomodule1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
bus.signal_subscribe(NAME, ENDPOINT, None, None, None, 0, on_signal)
for endpoint_path, interfaces in objects.items():
    if ENDPOINT in interfaces:
        call(endpoint_path, ENDPOINT, "Subscribe", GLib.Variant("(a{sv})", ({},)))
GLib.MainLoop().run()

"""Reads a message with Python's email package and prints what it found as JSON."""
import base64
import email
import email.policy
import json
import sys

with open(sys.argv[1], "rb") as file:
    message = email.message_from_binary_file(file, policy=email.policy.SMTP)


def people(name):
    field = message[name]
    return [] if field is None else [[one.display_name, one.addr_spec] for one in field.addresses]


def body(kind):
    part = message.get_body(preferencelist=(kind,))
    return None if part is None else base64.b64encode(part.get_payload(decode=True)).decode()


print(json.dumps({
    "subject": message["subject"],
    "from": people("from"),
    "to": people("to"),
    "cc": people("cc"),
    "reply_to": people("reply-to"),
    "bcc": people("bcc"),
    "x_run": message["x-run"],
    "text": body("plain"),
    "html": body("html"),
    "files": [
        {
            "name": part.get_filename(),
            "type": part.get_content_type(),
            "disposition": part.get_content_disposition(),
            "id": part["content-id"],
            "content": base64.b64encode(part.get_payload(decode=True)).decode(),
        }
        for part in message.walk() if part.get_filename()
    ],
    "defects": [str(defect) for part in message.walk() for defect in part.defects],
}))

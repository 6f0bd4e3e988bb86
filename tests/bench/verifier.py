"""The SAML verifier, beside OpenSSL's own arithmetic and two other verifiers, and the cost of every refusal: a program of its own, which says its figures."""
import subprocess

from machine import *


def measure(asked):
    binary = build("saml", asked.profile)
    said = subprocess.run([binary, "--bench", str(asked.rounds)], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {"said": said.splitlines()}


def show(data):
    print("\n".join(data["said"]))

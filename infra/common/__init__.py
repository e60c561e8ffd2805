"""What several rooms of infra use: where things are, the template, words, the terminal."""

import os

# Loopback is never behind a proxy.
for name in ("NO_PROXY", "no_proxy"):
    others = os.environ.get(name)
    os.environ[name] = ",".join(filter(None, [others, "127.0.0.1,localhost,::1"]))

"""How a terminal gets its name: a key made here, a code on the screen, a certificate from the hub; and the next one."""

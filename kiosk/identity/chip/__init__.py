"""An electronic passport's chip, for what may be read with the printed lines and no secret key."""

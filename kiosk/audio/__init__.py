"""From microphone frames to utterances, and from speech to the loudspeaker."""

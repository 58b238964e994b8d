# Every target is one line. Nothing has to be installed beforehand but Python 3.11 or newer and make.
PY := .venv/bin/python
BESIDE := -n auto --maxprocesses 2 --dist loadfile
ALONE := --last-failed --last-failed-no-failures none
ARGS ?=
.DEFAULT_GOAL := help
.PHONY: help setup demo run test ready check bench clip docs doctor gallery image-check pad-report
.NOTPARALLEL:

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile
setup:  ## system packages, Python packages, models
	@python3 bootstrap.py
demo: setup  ## a recorded visitor walks up, speaks, takes a ticket; ends with a film and a table
	@$(PY) -m kiosk demo $(ARGS)
run: setup  ## the terminal on this machine's camera, microphone, loudspeaker and display
	@$(PY) -m kiosk run $(ARGS)
doctor: setup  ## what works on this machine and what to do about the rest
	@$(PY) -m kiosk doctor $(ARGS)
test: ready check  ## everything that must hold, on both cores; what failed beside other tests has to hold alone
	@$(PY) -m pytest $(BESIDE) $(ARGS) || $(PY) -m pytest $(ALONE) $(ARGS)
ready:
	@python3 bootstrap.py --tests
check:  ## lint, types, layers, generated documents; under a minute
	@$(PY) -m ruff check . && $(PY) -m ruff format --check -q . && $(PY) -m mypy && .venv/bin/lint-imports --no-cache && $(PY) -m contracts.document --check
bench: setup  ## the figures: make bench ARGS="intent --json -"
	@$(PY) -m bench $(ARGS)
gallery: setup  ## every page and every face as pictures: out/gallery/index.html
	@$(PY) -m bench gallery $(ARGS)
clip: setup  ## twenty seconds of a recorded visit with sound: out/clip/clip.mp4
	@$(PY) -m bench.clip $(ARGS)
pad-report: setup  ## attacks on the liveness check, and what it cannot stop: out/pad/report.md
	@$(PY) -m bench liveness --report out/pad/report.md $(ARGS)
image-check:  ## the units for systemd: nothing to complain about, little exposed
	@$(PY) -m bench image $(ARGS)
docs:  ## the documents that are made from the code
	@$(PY) -m contracts.document

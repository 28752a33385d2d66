# The three commands of the project. Each does its own set-up (Debian or Ubuntu, as root) and can be repeated.
.PHONY: demo test figures setup fmt
SHELL := /bin/bash

demo: setup   ## a spec becomes a Sovereign's cloud resources in a lab on this machine, and goes again
	@tests/demo.sh

test: setup   ## format, lints, unit, property and end-to-end tests
	@tests/run.sh

figures: setup   ## every speed and size claim, one JSON object a line
	@tests/bench/run.sh

setup:
	@tests/setup.sh

fmt:
	cargo fmt --all

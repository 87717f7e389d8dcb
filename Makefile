# onespike-hw. `make` lists what there is; everything sets up what it needs first.

BOARD ?= pynq
MODEL ?=
BACKEND ?= verilog
OUT ?= build/$(basename $(notdir $(BOARD)))
ARGS ?=
JOBS ?= 2
VERIFY ?= 1000

PY := .venv/bin/python
# The longest first: ULX3S takes as long as the other two.
OPEN_BOARDS := ulx3s-85f icebreaker tangnano20k

.DEFAULT_GOAL := help
.PHONY: help setup gen bitstream bitstreams test lint bench bench-accuracy verify clean

help:  ## list the targets
	@echo "make TARGET [VARIABLE=value ...]"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18
	@echo
	@echo "gen takes BOARD=$(BOARD) (a name or a .toml file), MODEL= (else the board's own), OUT=$(OUT), BACKEND=$(BACKEND)"
	@echo "and ARGS= for more options of onespike-hw gen; make gen ARGS=--help shows them."

setup:  ## fill .venv/ with what is needed, and install missing system packages
	@bash scripts/setup.sh

gen: setup  ## the main job: convert, generate for BOARD, play images through the Verilog, compare every bit
	@$(PY) -m onespike_hw.cli gen --board "$(BOARD)" $(if $(MODEL),--model "$(MODEL)") --backend "$(BACKEND)" \
		--out "$(OUT)" --force $(ARGS)

bitstream: setup  ## the bitstream for BOARD, from OUT; makes OUT first where it is not there
	@! grep -qs '^toolchain = "yosys' "boards/$(BOARD).toml" "$(BOARD)" || bash scripts/setup.sh open
	@test -f "$(OUT)/onespike.json" || $(MAKE) --no-print-directory gen
	@$(PY) -m onespike_hw.cli bitstream "$(OUT)"

bitstreams: setup  ## those of the three open boards, JOBS=2 at a time
	@printf '%s\n' $(OPEN_BOARDS) | xargs -P $(JOBS) -I {} $(MAKE) --no-print-directory bitstream BOARD={}

test: setup  ## the tests, on JOBS=2 processes
	$(PY) -m pytest -n $(JOBS) -m "not verify" $(ARGS)

lint: setup  ## ruff and mypy
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

bench: setup  ## the benchmarks, each beside what it is compared with; ARGS="speed golden" for some sections
	@bash scripts/setup.sh bench
	@bash scripts/setup.sh open
	$(PY) -m benchmarks $(ARGS)

bench-accuracy: setup  ## the accuracy tables of docs/conversion.md, on all 10,000 test images, and of docs/graph.md
	@bash scripts/setup.sh others
	$(PY) -m benchmarks.accuracy.graphs
	$(PY) -m benchmarks.accuracy $(ARGS)
	$(PY) -m benchmarks.accuracy.others

verify: setup  ## VERIFY=1000 images of the shipped network, all layers, resumable; then the tests marked verify
	@bash scripts/setup.sh open
	$(PY) -m onespike_hw.cli gen --board pynq --out build/verify --force
	$(PY) -m onespike_hw.cli verify build/verify --full --images $(VERIFY) --jobs $(JOBS)
	$(PY) -m pytest -n $(JOBS) -m verify $(ARGS)

clean:  ## remove what was built; .venv/ stays
	rm -rf build dist sim_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name .venv -prune -o -type d -name __pycache__ -exec rm -rf {} +

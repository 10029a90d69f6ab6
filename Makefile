# Every target builds the environment it needs on first use and is quick afterwards.
PYTHON ?= python3
PYTHON310 ?= python3.10
# The simulated device that `make demo SIMULATED=gb10` runs on; empty: the machine as it is.
SIMULATED ?=
ENVIRONMENT := $(PYTHON) scripts/environment.py
RECIPE := pyproject.toml constraints.txt scripts/environment.py
# Tests and the demo never ask the network for a model; a dataset or model of your own: HF_HUB_OFFLINE=0.
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help demo test lint bench bench-schedules bench-peers bench-cost bench-steps bench-kills bench-nodes bench-cloud matrix matrix-aarch64 matrix-transformers4 matrix-python310 clean

help:
	@echo "make demo     fine-tune Gemma 3 270M with QLoRA on this machine and show the card (minutes)"
	@echo "              SIMULATED=gb10: the same beside a simulated GPU, so that the card has energy figures"
	@echo "make test     unit and integration tests"
	@echo "make lint     ruff, mypy, import-linter, codespell"
	@echo "make bench    accuracy beside codecarbon and zeus, and what measuring costs (half an hour)"
	@echo "make bench-cloud   one GPU against another on the same work, shown on two simulated devices"
	@echo "make matrix   what needs environments of its own: transformers 4, Python 3.10, aarch64 wheels"

demo: .venv/.demo
ifeq ($(SIMULATED),)
	@echo "Fine-tuning Gemma 3 270M with QLoRA; the card will be in runs/demo/README.md ..."
	.venv/bin/python examples/qlora_gemma.py --output-dir runs/demo
	@echo "To see the card of a machine with a GPU, simulated and marked so: make demo SIMULATED=gb10"
else
	@echo "Fine-tuning beside a simulated $(SIMULATED); the card will be in runs/demo-$(SIMULATED)/README.md ..."
	.venv/bin/python tests/simulator/run_simulated.py --profile $(SIMULATED) -- \
	  .venv/bin/python examples/qlora_gemma.py --output-dir runs/demo-$(SIMULATED)
endif

test: .venv/.test
	@echo "Running the unit and integration tests ..."
	.venv/bin/python -m pytest -m "not gpu and not matrix"

lint: .venv-lint/.done
	@echo "Checking style, types, import direction and spelling ..."
	.venv-lint/bin/ruff check .
	.venv-lint/bin/ruff format --check .
	.venv-lint/bin/mypy
	.venv-lint/bin/lint-imports
	.venv-lint/bin/codespell

# Each piece fails where a budget is broken; `make -k bench` runs all of them all the same.
bench: bench-schedules bench-cost bench-steps bench-kills bench-nodes bench-peers

bench-schedules: .venv-peers/.done
	@echo "Measuring 500 random fault schedules on a driven clock ..."
	.venv-peers/bin/python benchmarks/accuracy.py --schedules 500

bench-cost: .venv-peers/.done
	@echo "Measuring what the recorder costs ..."
	.venv-peers/bin/python benchmarks/cost.py

bench-steps: .venv-overhead/.done
	@echo "Measuring what the callback adds to a training step beside a simulated GPU ..."
	.venv-overhead/bin/python tests/simulator/run_simulated.py --profile gb10 -- \
	  .venv-overhead/bin/python benchmarks/overhead.py --write docs/overhead.md

bench-kills: .venv/.demo
	@echo "Killing 200 trainings at random moments beside a simulated GPU; broken off, it goes on where it was ..."
	.venv/bin/python benchmarks/kills.py --kills 200 --results runs/bench-kills.jsonl

bench-nodes: .venv-peers/.done
	@echo "Joining the summaries of 1,024 computers ..."
	.venv-peers/bin/python benchmarks/merge_nodes.py

# Lengths of the runs in seconds; three cases at a time, 600 takes under two hours and 7200 most of a day.
BENCH_SECONDS ?= 15
bench-peers: .venv-peers/.done
	@echo "Measuring beside codecarbon and zeus on simulated devices ..."
	.venv-peers/bin/python benchmarks/accuracy.py --peers $(BENCH_SECONDS)

# A quarter of an hour on two cores; killed, it goes on where it was. Not of `bench`: it has no budget to break.
bench-cloud: .venv/.demo
	@echo "Running the harness of benchmarks/gb10_vs_cloud on simulated devices A and B; report in runs/bench-cloud ..."
	.venv/bin/python -m benchmarks.gb10_vs_cloud.simulate --records runs/bench-cloud/records
	.venv/bin/python -m benchmarks.gb10_vs_cloud.check_submission runs/bench-cloud/records
	.venv/bin/python -m benchmarks.gb10_vs_cloud.report --records runs/bench-cloud/records --output runs/bench-cloud/report

matrix: matrix-aarch64 matrix-transformers4 matrix-python310

matrix-aarch64: .venv-lint/.done
	@echo "Resolving every dependency for aarch64 from wheels alone ..."
	.venv-lint/bin/python scripts/aarch64_wheels.py

matrix-transformers4: .venv-transformers4/.done
	@echo "Running the tests with the oldest transformers that is supported ..."
	.venv-transformers4/bin/python -m pytest -m "not gpu and not slow and not matrix"

# Unit tests need no torch, and the pinned build of it may not exist for this Python.
matrix-python310:
	@if ! $(PYTHON310) -c "" 2> /dev/null; then echo "skipped: no $(PYTHON310) on this machine (set PYTHON310)"; else \
	  echo "Running the unit tests with Python 3.10 ..."; \
	  $(MAKE) --no-print-directory .venv-python310/.done && .venv-python310/bin/python -m pytest -m "not matrix" tests/unit; fi

# make compares whole folders' stamps, so that a changed recipe extends the environment and nothing is repeated.
.venv/.demo: $(RECIPE)
	$(ENVIRONMENT) .venv --torch --extra examples
	@touch $@

.venv/.test: .venv/.demo
	$(ENVIRONMENT) .venv --torch --extra examples --group test
	@touch $@

.venv-lint/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-lint --group lint
	@touch $@

.venv-transformers4/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-transformers4 --torch --group test --group oldest
	@touch $@

.venv-overhead/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-overhead --torch --group peers --group overhead
	@touch $@

.venv-peers/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-peers --group peers
	@touch $@

.venv-python310/.done: $(RECIPE)
	$(PYTHON310) scripts/environment.py .venv-python310 --group test
	@touch $@

clean:
	rm -rf .venv .venv-lint .venv-transformers4 .venv-python310 .venv-peers .venv-overhead runs build dist

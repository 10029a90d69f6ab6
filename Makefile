# Every target builds the environment it needs on first use and is quick afterwards.
PYTHON ?= python3
PYTHON310 ?= python3.10
PYTHON312 ?= python3.12
PYTHON313 ?= python3.13
# The simulated device that `make demo SIMULATED=gb10` runs on; empty: the machine as it is.
SIMULATED ?=
ENVIRONMENT := $(PYTHON) scripts/environment.py
RECIPE := pyproject.toml constraints.txt scripts/environment.py
# Tests and the demo never ask the network for a model; a dataset or model of your own: HF_HUB_OFFLINE=0.
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false
# Where it is set, each of the hundred processes that the tests start would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

# A target a line, so that two branches add theirs without a conflict.
MATRIX := matrix-aarch64 \
  matrix-factors \
  matrix-cards \
  matrix-transformers4 \
  matrix-python310 \
  matrix-python312 \
  matrix-python313 \
  matrix-trackers \
  matrix-ways \
  matrix-examples \
  matrix-cloud \
  matrix-install \
  matrix-processes \
  matrix-mpi \
  matrix-disk \
  matrix-axolotl \
  matrix-unsloth \
  matrix-run \
  matrix-llamafactory \
  matrix-trainers \
  matrix-sentence-transformers \
  matrix-elsewhere

.PHONY: help demo test lint bench bench-schedules bench-peers bench-slow-calls bench-cost bench-steps bench-kills bench-nodes bench-cloud bench-cloud-best-effort matrix $(MATRIX) clean

help:
	@echo "make demo     fine-tune Gemma 3 270M with QLoRA on this machine and show the card (minutes)"
	@echo "              SIMULATED=gb10: the same beside a simulated GPU, so that the card has energy figures"
	@echo "make test     unit and integration tests"
	@echo "make lint     ruff, mypy, import-linter, codespell"
	@echo "make bench    accuracy beside codecarbon and zeus, and what measuring costs (half an hour)"
	@echo "make bench-slow-calls   the part of it where every call to the driver is slow (a minute or two)"
	@echo "make bench-cloud   one GPU against another on the same work, shown on two simulated devices"
	@echo "make bench-cloud-best-effort   the same, each device tuned, to the loss that the former reached"
	@echo "make matrix   what needs environments of its own: transformers 4, other Pythons, aarch64 wheels, ways in"

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
	.venv/bin/python -m pytest -m "not gpu and not matrix" -n auto --maxprocesses 4 tests/unit
	.venv/bin/python -m pytest -m "not gpu and not matrix" -n auto --maxprocesses 2 --dist loadfile --no-loadscope-reorder \
	  tests/integration

lint: .venv-lint/.done
	@echo "Checking style, types, import direction and spelling ..."
	.venv-lint/bin/ruff check .
	.venv-lint/bin/ruff format --check .
	.venv-lint/bin/mypy
	.venv-lint/bin/lint-imports
	.venv-lint/bin/codespell

# Each piece fails where a budget is broken; `make -k bench` runs all of them all the same.
bench: bench-schedules bench-slow-calls bench-cost bench-steps bench-kills bench-nodes bench-peers

bench-schedules: .venv-peers/.done
	@echo "Measuring 500 random fault schedules on a driven clock ..."
	.venv-peers/bin/python benchmarks/accuracy.py --schedules 500

bench-slow-calls: .venv-peers/.done
	@echo "Measuring what is left of the energy where every call to the driver takes 20 ms ..."
	.venv-peers/bin/python benchmarks/slow_calls.py

bench-cost: .venv-peers/.done
	@echo "Measuring what the recorder costs ..."
	.venv-peers/bin/python benchmarks/cost.py

bench-steps: .venv-overhead/.done
	@echo "Measuring what the callback adds to a training step beside a simulated GPU ..."
	.venv-overhead/bin/python tests/simulator/run_simulated.py --profile gb10 -- \
	  .venv-overhead/bin/python benchmarks/step_calls.py
	.venv-overhead/bin/python benchmarks/overhead.py --write docs/overhead.md

bench-kills: .venv/.demo
	@echo "Killing 200 trainings at random moments beside a simulated GPU; broken off, it goes on where it was ..."
	.venv/bin/python benchmarks/kills.py --kills 200 --results runs/bench-kills.jsonl
	@echo "Killing a training, and filling its disk, at each file operation in its folder ..."
	.venv/bin/python benchmarks/kills_in_writing.py --every 5

bench-nodes: .venv-peers/.done
	@echo "Joining the summaries of 1,024 computers ..."
	.venv-peers/bin/python benchmarks/merge_nodes.py

# Lengths of the runs in seconds; three cases at a time, 600 takes under two hours and 7200 most of a day.
BENCH_SECONDS ?= 15
bench-peers: .venv-peers/.done
	@echo "Measuring beside codecarbon and zeus on simulated devices ..."
	.venv-peers/bin/python benchmarks/accuracy.py --peers $(BENCH_SECONDS)

# Ten minutes on two cores; killed, it goes on where it was. Not of `bench`: it has no budget to break.
bench-cloud: .venv/.demo
	@echo "Running the harness of benchmarks/gb10_vs_cloud on simulated devices A and B; report in runs/bench-cloud ..."
	.venv/bin/python -m benchmarks.gb10_vs_cloud.simulate --records runs/bench-cloud/records
	.venv/bin/python -m benchmarks.gb10_vs_cloud.report --records runs/bench-cloud/records --output runs/bench-cloud/report
	.venv/bin/python -m benchmarks.gb10_vs_cloud.check_submission runs/bench-cloud/records

# After the former, whose held-out loss is where these trainings end; ten minutes more. The report has both.
bench-cloud-best-effort: .venv/.demo
	@echo "Running the tuned tier of it to the loss that same-work reached; report in runs/bench-cloud ..."
	.venv/bin/python -m benchmarks.gb10_vs_cloud.simulate --tier best-effort --records runs/bench-cloud/records
	.venv/bin/python -m benchmarks.gb10_vs_cloud.report --records runs/bench-cloud/records --output runs/bench-cloud/report
	.venv/bin/python -m benchmarks.gb10_vs_cloud.check_submission runs/bench-cloud/records

matrix: $(MATRIX)

matrix-aarch64: .venv-lint/.done
	@echo "Resolving every dependency for aarch64 from wheels alone ..."
	.venv-lint/bin/python scripts/aarch64_wheels.py

matrix-factors: .venv-factors/.done
	@echo "Building the table of grid factors again from the open data ..."
	.venv-factors/bin/python -m pytest tests/unit/test_carbon_factors.py

matrix-cards: .venv/.test
	@echo "Looking for one changed digit in each of a thousand cards ..."
	.venv/bin/python -m pytest -m matrix tests/unit

matrix-transformers4: .venv-transformers4/.done
	@echo "Running the tests with the oldest transformers that is supported ..."
	.venv-transformers4/bin/python -m pytest -m "not gpu and not slow and not matrix" tests/integration
	.venv-transformers4/bin/python -m pytest -m "not gpu and not slow and not matrix" -n auto --maxprocesses 4 tests/unit

matrix-trainers: .venv/.test
	@echo "Training with TRL's less common methods and settings, PEFT's kinds of adapters, and the hooks alone ..."
	.venv/bin/python -m pytest -m matrix tests/integration/test_methods.py \
	  tests/integration/test_experimental_methods.py tests/integration/test_adapters.py \
	  tests/integration/test_plain_models.py tests/integration/test_push_matrix.py

matrix-sentence-transformers: .venv-sentence-transformers/.done
	@echo "Training with sentence-transformers and SetFit, CodeCarbon beside us ..."
	.venv-sentence-transformers/bin/python -m pytest -m matrix tests/integration/test_sentence_transformers.py
	.venv-sentence-transformers/bin/python scripts/ways_in.py run sentence_transformers cross_encoder
	.venv-sentence-transformers/bin/python scripts/ways_in.py render

# Unit tests need no torch, and the pinned build of it may not exist for these Pythons.
matrix-python310:
	$(call unit-tests-with,$(PYTHON310),310)

matrix-python312:
	$(call unit-tests-with,$(PYTHON312),312)

matrix-python313:
	$(call unit-tests-with,$(PYTHON313),313)

define unit-tests-with
@if ! $(1) -c "" 2> /dev/null; then echo "skipped: no $(1) on this machine (set PYTHON$(2))"; else \
  echo "Running the unit tests with $(1) ..."; \
  $(MAKE) --no-print-directory .venv-python$(2)/.done && .venv-python$(2)/bin/python -m pytest -m "not matrix" tests/unit; fi
endef

matrix-elsewhere: .venv/.test
	@echo "Training where there is no NVIDIA GPU: Windows, macOS and ROCm as a process sees them ..."
	.venv/bin/python -m pytest tests/integration/test_elsewhere.py

# Minutes: each tracker opens its run in a process of its own, several times.
matrix-trackers: .venv-trackers/.done
	@echo "Reading live figures back from TensorBoard, W&B, MLflow and trackio in their offline modes ..."
	.venv-trackers/bin/python -m pytest tests/integration/test_trackers.py tests/integration/test_trackers_matrix.py

# The targets of other environments add their own ways.
matrix-ways: .venv/.test
	@echo "Trying the ways in that this environment can run; results in docs/ways_in, the table in docs/ways_in.md ..."
	.venv/bin/python scripts/ways_in.py run
	.venv/bin/python scripts/ways_in.py render

# Gemma in the package takes a minute to load and a quarter of an hour for both stages, on two cores.
matrix-examples: .venv/.test
	@echo "Running the examples whole, with Gemma 3 270M, beside a simulated GPU ..."
	.venv/bin/python -m pytest -m matrix tests/integration/test_examples_matrix.py

matrix-cloud: .venv/.test
	@echo "Comparing two simulated devices by the harness of benchmarks/gb10_vs_cloud, with tiny trainings ..."
	.venv/bin/python -m pytest -m matrix tests/integration/test_cloud_harness.py

matrix-install: .venv/.test
	@echo "Installing beside packages that a machine's maker has prepared ..."
	.venv/bin/python -m pytest -m matrix tests/integration/test_install.py

matrix-processes: .venv/.test
	@echo "Training in 2 and 4 processes, started by torchrun and accelerate, beside eight simulated GPUs ..."
	.venv/bin/python -m pytest -m matrix tests/integration/test_processes_matrix.py

matrix-disk: .venv/.test
	@echo "Training into a file system that hangs for good (it takes root's rights to mount one) ..."
	.venv/bin/python -m pytest -m matrix tests/integration/test_hanging_disk.py

# A folder each, since all of them bring the same commands.
matrix-mpi: .venv/.test .venv-mpi/openmpi/.done .venv-mpi/mpich/.done .venv-mpi/impi-rt/.done
	@echo "Training in 4 processes that Open MPI, MPICH and Intel MPI start, beside eight simulated GPUs ..."
	.venv/bin/python -m pytest -m matrix tests/integration/test_mpi.py

matrix-axolotl: .venv-axolotl/.done
	@echo "Training with Axolotl's own command ..."
	.venv-axolotl/bin/python -m pytest tests/integration/test_axolotl.py
	.venv-axolotl/bin/python scripts/ways_in.py run axolotl
	.venv-axolotl/bin/python scripts/ways_in.py render

matrix-unsloth: .venv-unsloth/.done
	@echo "Training with Unsloth: its CPU path, and the trainers that it generates for a GPU ..."
	.venv-unsloth/bin/python -m pytest tests/integration/test_unsloth.py
	.venv-unsloth/bin/python scripts/ways_in.py run unsloth unsloth_generated
	.venv-unsloth/bin/python scripts/ways_in.py render

matrix-run: .venv/.test
	@echo "Training by cardcallback run what takes minutes: several trainers of one command, a search ..."
	.venv/bin/python -m pytest -m matrix tests/integration/test_launcher.py

matrix-llamafactory: .venv-llamafactory/.done
	@echo "Trying LLaMA-Factory by cardcallback run; results in docs/ways_in, the table in docs/ways_in.md ..."
	.venv-llamafactory/bin/python scripts/ways_in.py run run_llama_factory_sft run_llama_factory_dpo
	.venv-llamafactory/bin/python scripts/ways_in.py render
	.venv-llamafactory/bin/python -m pytest -m matrix -k llama_factory tests/integration/test_launcher.py

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

.venv-factors/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-factors --group test --group data
	@touch $@

.venv-transformers4/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-transformers4 --torch --group test --group oldest
	@touch $@

.venv-trackers/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-trackers --torch --group test --group trackers
	@touch $@

.venv-sentence-transformers/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-sentence-transformers --torch --group test --group sentence-transformers
	@touch $@

.venv-overhead/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-overhead --torch --group peers --group overhead
	@touch $@

.venv-peers/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-peers --group peers
	@touch $@

# The index's builds of these two do not load beside a CPU torch, and LLaMA-Factory needs them for images and sound only.
.venv-llamafactory/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-llamafactory --torch --group test --group llamafactory
	.venv-llamafactory/bin/python -m pip uninstall -q -y torchvision torchaudio
	@touch $@

.venv-python310/.done: $(RECIPE)
	$(PYTHON310) scripts/environment.py .venv-python310 --group test
	@touch $@

.venv-axolotl/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-axolotl --torch --group test --group axolotl
	@touch $@

# Unsloth asks for a torchvision and refuses to start where that does not load, as beside a CPU build of torch.
.venv-unsloth/.done: $(RECIPE)
	$(ENVIRONMENT) .venv-unsloth --torch --group test --group unsloth
	@.venv-unsloth/bin/python -c "import torch, torchvision" 2> /dev/null || \
	  .venv-unsloth/bin/python -m pip uninstall -qq -y torchvision
	@touch $@

.venv-mpi/%/.done:
	$(PYTHON) -m venv .venv-mpi/$*
	.venv-mpi/$*/bin/python -m pip install -qq --disable-pip-version-check $*
	@touch $@

.venv-python312/.done: $(RECIPE)
	$(PYTHON312) scripts/environment.py .venv-python312 --group test
	@touch $@

.venv-python313/.done: $(RECIPE)
	$(PYTHON313) scripts/environment.py .venv-python313 --group test
	@touch $@

clean:
	rm -rf .venv .venv-* runs build dist

"""The code of skip-gram for arm64, compiled on any machine: NEON instructions, and registers for all that a loop holds.

Numba compiles for the processor that it runs on. Here its LLVM code, not yet optimised and as wide as `simd.py` makes
it without AVX-512, goes through LLVM's optimiser and code generator for aarch64.
"""

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

llvm = pytest.importorskip("llvmlite.binding")

TRIPLE = "aarch64-unknown-linux-gnu"

UNOPTIMISED = """
import llvmlite.binding
llvmlite.binding.get_host_cpu_features = lambda: {}  # no AVX-512: the widths of a processor with NEON
import numba
from embeddings import simd
from embeddings.word2vec import kernel_arguments
from embeddings.word2vec.architectures import skip_gram
from tests.kernel_inputs import as_block, make_parameters, make_sentences, make_step

assert (simd.LANES, simd.WIDE) == (8, 8)
step, parameters = make_step(), make_parameters(16)
extensions = kernel_arguments.NO_EXTENSIONS
scratch = kernel_arguments.scratch(16, 100, step.window, step.negative, extensions)
arguments = as_block(make_sentences([9])), parameters, step, scratch, *extensions
signature = tuple(numba.typeof(argument) for argument in arguments)
skip_gram.compile(signature)
print(skip_gram.inspect_llvm(signature))
"""


@pytest.fixture(scope="module")
def unoptimised(tmp_path_factory):
    """LLVM code of skip-gram for a processor without features of its own."""
    cache = tmp_path_factory.mktemp("cache")
    settings = {"NUMBA_OPT": "0", "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_DISABLE_JIT": "0"}
    environment = {**os.environ, **settings, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(REPOSITORY)}
    run = subprocess.run([sys.executable, "-c", UNOPTIMISED], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def assembly(code, processor):
    """Optimise LLVM code for an arm64 processor and return its assembly."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    try:
        target = llvm.Target.from_triple(TRIPLE)
    except RuntimeError as error:
        pytest.skip(f"llvmlite has no aarch64: {error}")
    machine = target.create_target_machine(cpu=processor, opt=3)
    code = re.sub(r'^target (triple|datalayout) = ".*"$', "", code, flags=re.M)
    module = llvm.parse_assembly(f'target triple = "{TRIPLE}"\ntarget datalayout = "{machine.target_data}"\n{code}')
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    return machine.emit_assembly(module)


def inner_loops(text):
    """The instructions of every loop that is one stretch without other branches; a loop around another one is none."""
    block, loops = [], []
    for line in map(str.strip, text.splitlines()):
        if re.match(r"\.LBB\w+:", line):
            block = [line]
        else:
            block.append(line)
            if found := re.match(r"(?:b\.\w+|cbn?z|tbn?z)\s.*?(\.LBB\w+)", line):
                loops += [block] if block[0].startswith(f"{found[1]}:") else []
                block = [""]
    return loops


MULTIPLY_ADD = re.compile(r"fmla\s+v\d+\.4s")
VECTOR_ON_STACK = re.compile(r"(?:str|stp|stur|ldr|ldp|ldur)\s+q\d+.*\[(?:sp|x29)")


@pytest.mark.parametrize("processor", ["generic", "neoverse-n1", "apple-m1"])
def test_the_inner_loops_of_skip_gram_multiply_and_add_in_neon_registers_alone(unoptimised, processor):
    loops = [loop for loop in inner_loops(assembly(unoptimised, processor)) if any(map(MULTIPLY_ADD.match, loop))]
    counts = sorted(sum(bool(MULTIPLY_ADD.match(line)) for line in loop) for loop in loops)
    assert counts[-2:] == [24, 24], "in two registers each: twelve scores; six gradients, and six terms of an update"
    assert not [line for loop in loops for line in loop if VECTOR_ON_STACK.match(line)]


def test_a_vector_on_the_stack_would_be_found():
    loop = [".LBB0_1:", "fmla\tv0.4s, v1.4s, v2.4s", "str\tq0, [sp, #16]", "b.ne\t.LBB0_1"]
    around = [".LBB0_0:", *loop, "cbz\tx0, .LBB0_0", ".LBB0_2:", "tbz\tw0, #0, .LBB0_3", "cbz\tx0, .LBB0_2"]
    assert inner_loops("\n".join(around)) == [loop]
    assert VECTOR_ON_STACK.match(loop[2])
    assert not VECTOR_ON_STACK.match("str\tq0, [x8, #16]")

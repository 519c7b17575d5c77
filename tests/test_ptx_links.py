"""The tools of NVIDIA assemble and link the PTX for several architectures, without a GPU."""

import importlib.metadata
import subprocess

import pytest
from kernel_cases import slowly
from ptx_texts import TEXTS

from saddlescape.kernels.ptx import ARCHITECTURE, ENTRY, VERSION

CALLER = f"""
.version {VERSION}
.target {ARCHITECTURE}
.address_size 64
.extern .func (.param .b64 value) {ENTRY}(.param .b64 a, .param .b64 b, .param .b64 ticks, .param .b64 table);
.visible .entry kernel(.param .u64 ticks, .param .u64 table)
{{
    .reg .b64 %d<2>;
    .param .b64 to_ticks, to_table, value;
    ld.param.u64 %d0, [ticks];
    ld.param.u64 %d1, [table];
    st.param.b64 [to_ticks], %d0;
    st.param.b64 [to_table], %d1;
    call.uni (value), {ENTRY}, (to_ticks, to_ticks, to_ticks, to_table);
    ret;
}}
"""


def program_of_nvcc(name):
    """The path of a program in the package nvidia-cuda-nvcc."""
    (path,) = (file.locate() for file in importlib.metadata.files("nvidia-cuda-nvcc") if file.name == name)
    return path


def built(tool, architecture, *arguments):
    """Run a tool of NVIDIA; it must be silent."""
    command = [program_of_nvcc(tool), f"-arch={architecture}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("architecture", slowly(["sm_75", "sm_90", "sm_100"], ["sm_75", "sm_100"]))
def test_it_is_assembled_and_linked_for_gpus(architecture, tmp_path):
    parts = {"caller": CALLER, **{name: text() for name, text in TEXTS.items()}}
    for name, text in parts.items():
        (tmp_path / f"{name}.ptx").write_text(text)
        built("ptxas", architecture, "-c", "-o", tmp_path / name, tmp_path / f"{name}.ptx")
    for name in TEXTS.keys() - {"measures"}:
        program = [tmp_path / part for part in ("caller", name, "measures")]
        built("nvlink", architecture, "-o", tmp_path / "program", *program)
        assert (tmp_path / "program").read_bytes().startswith(b"\x7fELF")

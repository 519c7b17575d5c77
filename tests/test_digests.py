"""The digest of a plan stays what it was, whatever release of pydantic reads the spec: else no run could go on."""

from pathlib import Path

import pytest

from saddlescape.plan import Plan
from saddlescape.spec import bundled, load, parse

DIGESTS = {
    "claims/1-xor": "7a5dc7cdbd311533fbc16981fab622522f6b129c7d78e07fffeb226d2cf38011",
    "claims/2-delta-rule": "3c75d87fed757a6061f20c8ea700c8d21ad441eb8297d8adcb9d23e505dd404e",
    "claims/3-hidden-gradient": "0fdfdf431319e5ce16c03869587caf6ebaeac20fdf265bf916768b97db9843ae",
    "claims/4-equal-units": "0ddc6e547249a9973032ba6335daf9809e5dd519798b6b9bda8b00d7c632cf64",
    "claims/5-many-starts": "0eb1d24af34033acf1db78bf377bb314a6bf198b14ef2f8d30280a89ed8c14fa",
    "claims/6-priors": "891160932a0d37090115ef0c1f8f8ab73a32add53b48ad6a5e13d62abfd10083",
    "claims/7-saddle": "6f91e51dad936b1ae6e72f172daa7deca9fe5fa2e8cef196da6b5da6e117efc4",
    "claims/8-usually": "3f5f51d0d87768b182aea8bfa47f07ac5d422b19654dad9b6995c35fb9394829",
    "claims/9-which-zeros": "0bcab7d4fda5c500a22f7c93d5bad96dadb57256bc2d2a27cff3f4df4be9a211",
    "claims/10-decay-trap": "50d57f6829051eeb47a48a62f357f8e37eab335986f9b2351353292e0decf161",
    "claims/11-sgd": "e2b94eba7a48889eceb6be7dbf3df4bf9e58e50e78fc01ff56e0617da0e59d17",
    "claims/12-small-starts": "26ed9c7c7755a022007480e76746c200d5ee36dc99a6fa0cda8bf5d2d5ebe4cc",
    "claims/13-bigger-steps": "65a28b7213aa5f9943e3c83d6f5b24b2fe454589ecdb55d1d3e082f3d84c4eb9",
    "gallery/activation": "ad5d9988d6b6c227d59d8c9b553e3c6a9c6bee71fe403af82b0e9a19c2695270",
    "gallery/atlas": "3aeb7fcb1b1e460da445b67a5c971fbc9be59713bf1fc1976a63d8950ac5c9e0",
    "gallery/bifurcation": "f885fa0a8320286e1672456a423374bb7589ae2339f75bead7495eafa0111ced",
    "gallery/decay-trap": "9024e6a299b7928e43474e9f979b9d8b20cd206b39c58dd0fea38980dd40a6d1",
    "gallery/depth": "b5704bb062f036ca69b5a6fd796e3aee1da5086882966e2b98578c8e8fa6efc4",
    "gallery/edge-of-stability": "479558f1d9aee26e6c5cd8bdaef7b5b68a42f6472eb3dacd32da20c32e29ed89",
    "gallery/figure-10": "77100de97aaaa21a5b93bcf99a6e21e81f2431568054ca6d943261b969a96f16",
    "gallery/figure-11": "d9caf76580cea9eee3128bedcf425f266159afe649716b72bcf05caf80f6b24f",
    "gallery/figure-12": "08b644a68c7df1fd0bb354f3bba955c1ed8c354256ca04dbc9c0fb99fed4b05e",
    "gallery/figure-13": "6787d3970e530b8ae977e64d9dee036f1e78e990502c75182c7911753a43fa51",
    "gallery/figure-3": "4c91791f2a3a625bc53f031e34066c33911da654df1cb8e5aade045551d805f9",
    "gallery/figure-4": "38d086172c734e97a3dbece77bdfe03bd308f25479378d3d2ac4ddb6a832c33d",
    "gallery/figure-5": "15fbabf7bd70ba4284aa33fa0746ed565261b430814ca6d6c6526e55826c6d39",
    "gallery/figure-6": "9113f31e893b98ef4e24916d48732ef4ec58b0a5f95c040051ab9024d6ed2c4c",
    "gallery/figure-7": "8b03d55c71570d2ffe0380548719bf534bfd252830c7f595a62fcb5269a489c8",
    "gallery/figure-8": "b8620a193831b35524590075442d8f45905c3cf9591132c940a4cf0114424005",
    "gallery/figure-9": "47d74e02e5be8d6080444bdef6f0eeada9b8bc6914ea8e66b69ae4e186579e3a",
    "gallery/initialization": "16b9391c0a3584d213d32a08fd50e422c571fcc2ac1c6c573a3ed77b4ab47606",
    "gallery/kolen-pollack-monte-carlo": "817d0b14403799fa51ac4f2bef3e6c6c790ea0a9d9b782c75b48f8f8e1e83879",
    "gallery/linear": "75ac9808e78781856ddd852e2f6406d2e79f57e1f3f255f16ce4e315231122fd",
    "gallery/linear-modes": "e550f7cd35e153a61d4610ecc1a0b161e3467d9553c6f39bd6c7a45f9a7c8132",
    "gallery/noise": "57d29a0b8aa06a15f6ce4e891b46da9c79d6b5d54f482270f7f2a5d613f9b3c7",
    "gallery/trainability": "f50ad3c8480d92df6e05a8c3c55458f886674a35ccfdce26cd84fc4fa1f3e8bc",
    "gallery/trainability-zoom-1": "6c33f2fb49328bb88073851c61a355040efe66ee429370d95195a3becb18683b",
    "gallery/trainability-zoom-2": "a0c6191dfb794cde89d90fdd1ba5398e00076a181b260f3aa91a7b305ce4710a",
    "gallery/trainability-zoom-3": "77c0f0f3a37e73b50e7ea47b01431554b6890c09bd47a2c97dbd5b25b5c1a590",
    "gallery/width": "e8634c8645f2e0d30310c808db7b73a4099767fb2286689fc2a55e93a5664574",
    "xor": "52405c2ccfc9c26b43ac3b710f4cd49bdb397d2b285129f9d75ebf9932e77ba8",
    "xor-slice": "d9caf76580cea9eee3128bedcf425f266159afe649716b72bcf05caf80f6b24f",
}
"""Golden, with pydantic 2.14, as version 0.1.0 (commit 3e77526) or the commit that added the sweep computed them.

A bundled sweep that changes gets another."""

EVERY = """
[problem]
name = "teacher"
samples = 5
inputs = 3
outputs = 2
hidden = 2
seed = 7
input_scale = 2
target_scale = 0.5
[network]
hidden = [2, 3]
activation = ["tanh", "relu"]
output = "linear"
[starts]
count = 2e3
[training]
batch = 2
steps = 300
layer_rates = [1, 0.5, 2]
[record]
steps = [0, 3]
tolerance = 0.5
fields = ["loss", "effective_width_tol"]
dtype = "float32"
keep_bits = 12
runs = { per_outcome = 3 }
[[axes]]
key = "starts.scale"
logspace = [1e-3, 10, 5]
zip = "both"
[[axes]]
key = "training.learning_rate"
values = [1, 2, 0.25, 0.5, 3]
zip = "both"
[[axes]]
key = "network.dtype"
values = ["float64", "float32"]
"""
"""Has every key that came after the first version, lists, and integers in place of numbers."""

SLICE = """
[problem]
name = "xor"
[starts]
kind = "slice"
base = [1, 1, 0, 1, 1, 0, 1, 1, 0]
x = { index = 0, from = -2, to = 2, n = 3 }
y = { index = 3, from = -2, to = 2, n = 3 }
[training]
stepper = "flow"
[record]
times = [1, 2.5]
"""

TEXTS = {
    EVERY: "f2edc70ec33e42686ccea16ccaddd846514f668b6ae3f3205e0c9f82fa7d9f7e",
    SLICE: "eb161c8cdde303caeefb2271e89ad707c94d5fafe94a3311ff80ba0859a56ad1",
}
"""Golden, of the same origin."""


def test_every_bundled_sweep_has_a_golden_digest():
    assert DIGESTS.keys() == bundled().keys()


@pytest.mark.parametrize("name", DIGESTS)
def test_digests_of_bundled_sweeps_stay(name):
    assert Plan(load(name)).digest == DIGESTS[name]


@pytest.mark.parametrize("text", TEXTS, ids=["every key", "slice"])
def test_digests_of_later_keys_lists_and_tables_stay(text):
    assert Plan(parse(text, Path())).digest == TEXTS[text]

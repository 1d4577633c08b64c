#!/usr/bin/env python3
"""Arrays and archives as numpy writes them, for tests/nn/test_npy.c and
test_dataset_npz.c, and numpy reading what our code writes.

    npz_reference.py --write DIR                      tests/nn/data/npz
    npz_reference.py --run TEST_NPY TEST_DATASET_NPZ  compare here and now

Exit code 77 (skipped) where numpy is missing.
"""
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: no numpy")
    sys.exit(77)

TYPES = ("bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float32 "
         "float64").split()


def items(name):
    """Six numbers that need the type's range; test_npy.c has them too."""
    if name == "bool":
        return np.array([0, 1, 1, 0, 1, 0], bool)
    if name.startswith("float"):
        return np.array([0.5, -1.25, 3e30, -0.0, 1e-30, 7], name)
    info = np.iinfo(name)
    return np.array([0, 1, info.min, info.max, info.max // 2, 100], name)


def write_arrays(folder):
    for name in TYPES:
        np.save(os.path.join(folder, f"{name}.npy"), items(name).reshape(2, 3))
    np.save(os.path.join(folder, "scalar.npy"), np.float64(2.5))
    np.save(os.path.join(folder, "empty.npy"), np.zeros((0, 4), "f4"))
    np.save(os.path.join(folder, "deep.npy"), np.zeros((1,) * 8, "u1"))
    with open(os.path.join(folder, "version2.npy"), "wb") as f:
        np.lib.format.write_array(f, items("int32").reshape(2, 3), (2, 0))
    # what is refused
    order = np.asfortranarray(items("uint8").reshape(2, 3))
    np.save(os.path.join(folder, "bad_fortran.npy"), order)
    np.save(os.path.join(folder, "bad_big_endian.npy"), np.array([1, 2], ">i4"))
    np.save(os.path.join(folder, "bad_complex.npy"), np.array([1j]))
    np.save(os.path.join(folder, "bad_text.npy"), np.array(["a", "bc"]))
    np.save(os.path.join(folder, "bad_struct.npy"),
            np.zeros(2, [("a", "u1"), ("b", "f4")]))
    np.save(os.path.join(folder, "bad_object.npy"),
            np.array([{}], dtype=object), allow_pickle=True)
    np.save(os.path.join(folder, "bad_deep.npy"), np.zeros((1,) * 9, "u1"))


def images(n, *shape, salt=0):
    k = np.arange(n * int(np.prod(shape)), dtype=np.int64)
    return ((k * 7 + salt + k // 256) % 256).astype("u1").reshape(n, *shape)


def write_archives(folder):
    def path(name):
        return os.path.join(folder, f"{name}.npz")

    grey = dict(x_train=images(6, 2, 3), y_train=np.arange(6) % 3,
                x_test=images(4, 2, 3, salt=5), y_test=np.arange(4) % 2)
    colour = dict(grey, x_train=images(6, 2, 3, 3),
                  x_test=images(4, 2, 3, 3, salt=5))
    np.savez(path("stored"), **grey)
    np.savez_compressed(
        path("deflated"), **dict(colour, other=np.zeros(3)),
        groups_train=np.array([30, -5, 30, 7, 7, -5]),
        groups_test=np.array([8, 30, 30, -5], "i2"))
    np.savez_compressed(
        path("medmnist"), train_images=grey["x_train"],
        train_labels=grey["y_train"].astype("u1").reshape(-1, 1),
        val_images=images(2, 2, 3), val_labels=np.zeros((2, 1), "u1"),
        test_images=grey["x_test"],
        test_labels=grey["y_test"].astype("u1").reshape(-1, 1))
    np.savez(path("bad_missing"), **{k: grey[k] for k in list(grey)[:3]})
    for name, change in {
        "float": dict(x_train=grey["x_train"] / np.float32(255)),
        "flat": dict(x_train=images(6, 6)),
        "channels": dict(x_train=images(6, 2, 3, 17)),
        "none": dict(x_train=images(0, 2, 3)),
        "shape": dict(x_test=images(4, 3, 2)),
        "label_type": dict(y_train=np.zeros(6)),
        "label_count": dict(y_train=np.zeros(5, "i8")),
        "label_onehot": dict(y_train=np.zeros((6, 3), "u1")),
        "label_negative": dict(y_test=np.array([0, 1, -1, 0])),
        "label_large": dict(y_test=np.array([0, 1, 256, 0])),
        "group_count": dict(groups_train=np.zeros(5, "i8")),
        "group_type": dict(groups_test=np.zeros(4)),
    }.items():
        np.savez_compressed(path(f"bad_{name}"), **dict(grey, **change))


def write_all(folder):
    os.makedirs(folder, exist_ok=True)
    write_arrays(folder)
    write_archives(folder)


def compare(test_npy, test_npz):
    with tempfile.TemporaryDirectory() as folder:
        write_all(folder)
        for program in ([test_npy, folder, folder], [test_npz, folder]):
            if subprocess.run(program, cwd=folder).returncode != 0:
                return 1
        for name in TYPES:
            ours = np.load(os.path.join(folder, f"ours_{name}.npy"))
            wanted = items(name).reshape(2, 3)
            assert ours.dtype == wanted.dtype and ours.shape == wanted.shape
            assert ours.tobytes() == wanted.tobytes(), name
        for name, shape in (("scalar", ()), ("vector", (6,)), ("empty", (0, 4)),
                            ("deep", (1,) * 7 + (6,))):
            ours = np.load(os.path.join(folder, f"ours_{name}.npy"))
            assert ours.shape == shape and ours.dtype == np.float32, name
    print("numpy reads what we write")
    return 0


def main():
    how = sys.argv[1] if len(sys.argv) > 1 else ""
    if how == "--run" and len(sys.argv) == 4:
        return compare(*map(os.path.abspath, sys.argv[2:]))
    if how == "--write" and len(sys.argv) == 3:
        write_all(sys.argv[2])
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())

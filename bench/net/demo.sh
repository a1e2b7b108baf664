#!/bin/sh
# The demo: demo.sh BUILD MODELS [hew-demo option ...]
# Fails when a checksum differs between rungs, or an accuracy or a recorded result isn't met.
set -eu
build=$1 models=$2
shift 2

# A line for each type that the network computes in: its name, and its checksum.
best=$("$build/hew-demo" --checksum)
echo "checksums of 100 pictures' logits on the best rung:"
echo "$best" | sed 's/^/  /'
for rung in ref avx2 avx512 avx512_vnni; do
    sums=$(HEW_MAX_ISA=$rung "$build/hew-demo" --checksum)
    test "$sums" = "$best" || {
        echo "$sums"
        echo "FAILED: HEW_MAX_ISA=$rung gives different bits" >&2
        exit 1
    }
done
echo "HEW_MAX_ISA=ref, avx2, avx512 and avx512_vnni give the same"
echo
"$build/hew-demo" "$@"

echo
if [ ! -f "$models/squeezenet10.onnx" ]; then
    echo "SKIPPED: SqueezeNet: there is no $models/squeezenet10.onnx (MODELS=DIR says where)"
    exit 0
fi
set -- --bgr --labels "$models/imagenet_labels.txt" --check "$models/photos" --top 3
for photo in "$models"/photos/*.ppm; do
    set -- "$@" --image "$photo"
done
best=$("$build/hew-run" "$models/squeezenet10.onnx" "$@" --types all --table --threads 1) || {
    echo "$best"
    exit 1
}
echo "$best"

#!/bin/sh
# The demo: demo.sh BUILD MODELS [hew-demo option ...]
# Fails when a checksum differs between rungs, or an accuracy or a recorded result isn't met.
set -eu
build=$1 models=$2
shift 2

best=$("$build/hew-demo" --checksum)
for rung in ref avx2; do
    sum=$(HEW_MAX_ISA=$rung "$build/hew-demo" --checksum)
    echo "checksum of 100 pictures' logits: $sum with HEW_MAX_ISA=$rung, $best on the best rung"
    test "$sum" = "$best" || { echo "FAILED: the rungs give different bits" >&2; exit 1; }
done
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
best=$("$build/hew-run" "$models/squeezenet10.onnx" "$@" --table --threads 1) || {
    echo "$best"
    exit 1
}
echo "$best"

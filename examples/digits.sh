# The whole way on handwritten digits: gradients with their steps, the check, training, and a report.
set -e
cd "$(dirname "$0")/.."
symnet derive examples/models/digits.yaml --wrt z,W --steps
symnet check examples/models/digits.yaml
symnet train examples/models/digits.yaml --out runs/digits -f
symnet evaluate runs/digits
symnet report runs/digits -o runs/digits.html -f

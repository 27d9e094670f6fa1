# Where a machine has the driver's library, cuBLAS, cuDNN and NVRTC: in the loader's list, CUDA's folder, or Python's
# packages (PyTorch brings them). Sourced by tools/device_check.sh; each function prints ":FOLDER" for what it finds.
# shellcheck shell=bash

# folders_of FILE...: of those that are there.
folders_of() {
  local file
  for file in "$@"; do
    [ -e "$file" ] && printf ':%s' "$(dirname "$file")"
  done
}

driver_folders() {
  folders_of /usr/lib/x86_64-linux-gnu/libcuda.so.1 /usr/lib64/libcuda.so.1 /usr/local/nvidia/lib64/libcuda.so.1 \
    /usr/lib/wsl/lib/libcuda.so.1 "$(in_list 'libcuda\.so\.1')"
}

# in_list PATTERN: the first library of the loader's list whose name is that.
in_list() { ldconfig -p 2>/dev/null | sed -n "s/.*=> \(.*\/$1\)\$/\1/p" | head -n 1; }

# in_python PATTERN...: libraries among the packages of NVIDIA that Python has.
in_python() {
  python3 - "$@" 2>/dev/null <<'P'
import glob, site, sys
places = site.getsitepackages() + [site.getusersitepackages()]
for base in places:
    for pattern in sys.argv[1:]:
        for file in sorted(glob.glob(base + "/nvidia/*/lib/" + pattern)):
            print(file)
P
}

library_folders() {
  local files=()
  mapfile -t files < <(
    in_list 'libcublas\.so\.1[1-9]'
    find /usr/local/cuda*/ -name 'libcublas.so.1[1-9]' 2>/dev/null | head -n 1
    in_list 'libcudnn\.so\.9'
    in_python 'libcublas.so.1[1-9]' 'libcudnn.so.9' 'libnvrtc.so.1*'
  )
  folders_of "${files[@]}" | tr ':' '\n' | awk 'NF && !seen[$0]++ { printf ":%s", $0 }'
}

# Compiler settings shared by every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

if(LQ_CUDA)
  # Where the machine has no nvcc, the one that tools/cuda_toolkit.sh fetches.
  set(lq_fetched_cuda ${PROJECT_SOURCE_DIR}/build-cuda-toolkit/nvidia/cu13)
  find_program(LQ_NVCC nvcc)
  if(NOT LQ_NVCC AND NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX} AND EXISTS ${lq_fetched_cuda}/complete)
    set(CMAKE_CUDA_COMPILER ${lq_fetched_cuda}/bin/nvcc)
    set(CUDAToolkit_ROOT ${lq_fetched_cuda})
  endif()
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90)  # A100, H100; later ones run the second one's portable form
  endif()
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 17)  # the newest that CMake 3.25 knows nvcc to have
  find_package(CUDAToolkit REQUIRED)
endif()

if(LQ_CCACHE)
  find_program(LQ_CCACHE_PROGRAM ccache)
  if(LQ_CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${LQ_CCACHE_PROGRAM})
  endif()
endif()

add_library(lq_options INTERFACE)
target_include_directories(lq_options INTERFACE ${PROJECT_SOURCE_DIR}/include)
# For C++ only: nvcc takes other words.
set(lq_cxx $<COMPILE_LANGUAGE:CXX>)
target_compile_options(lq_options INTERFACE $<${lq_cxx}:-Wall> $<${lq_cxx}:-Wextra>)
if(LQ_WERROR)
  target_compile_options(lq_options INTERFACE $<${lq_cxx}:-Werror>)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # The baseline of the one binary; faster instructions are chosen at run time by dispatch.
  target_compile_options(lq_options INTERFACE $<${lq_cxx}:-march=x86-64-v2>)
endif()
# Without this a compiler may fuse a*b+c on some targets only, and results would differ between machines.
target_compile_options(lq_options INTERFACE $<${lq_cxx}:-ffp-contract=off>)
if(LQ_SANITIZE)
  target_compile_options(lq_options INTERFACE
    $<${lq_cxx}:-fsanitize=${LQ_SANITIZE}> $<${lq_cxx}:-fno-omit-frame-pointer>
    $<${lq_cxx}:-fno-sanitize-recover=all>)
  target_link_options(lq_options INTERFACE -fsanitize=${LQ_SANITIZE})
endif()

# Where LQ_UNITY is on, compiles TARGET's files in batches. Highway's files include themselves once per target and stay alone.
# Every file must compile by itself too: builds without LQ_UNITY (presets debug, asan-ubsan, tsan) check that.
function(lq_unity target)
  if(NOT LQ_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    file(STRINGS ${source} found REGEX "hwy/foreach_target.h" LIMIT_COUNT 1)
    if(found)
      set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()

# lq_library(NAME [PUBLIC deps...] [PRIVATE deps...]): the static library lq_NAME of all .cc files of this folder and below.
function(lq_library name)
  cmake_parse_arguments(arg "" "" "PUBLIC;PRIVATE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_library(lq_${name} STATIC ${sources})
  set_property(GLOBAL APPEND PROPERTY LQ_LIBRARIES lq_${name})
  target_include_directories(lq_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(lq_${name} PUBLIC lq_options ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  lq_unity(lq_${name})
endfunction()

# lq_test(NAME deps...): one test program test_NAME of all *_test.cc files of this folder and below.
function(lq_test name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  if(NOT sources)
    return()  # a folder whose tests are still to come must not stop the others
  endif()
  add_executable(test_${name} ${sources})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE ${ARGN} lq_test_paths GTest::gtest GTest::gtest_main)
  # Optimizing the tests themselves costs more time than it saves; what they test stays as it ships.
  target_compile_options(test_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  lq_unity(test_${name})
  gtest_discover_tests(test_${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 600)
endfunction()

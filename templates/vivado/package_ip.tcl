# Packages rtl/, axi/ and synth/ as a Vivado IP in build/ip: component.xml, with copies of the sources and memory files.
source [file join [file dirname [file normalize [info script]]] settings.tcl]

file mkdir $build
file delete -force $ip_folder
create_project -force -part $part package [file join $build package]
# A module of synth/, made of the part's own primitives, stands in for the portable one of the same name.
foreach folder {rtl axi synth} {
    foreach pattern {*.v *.sv *.hex} {
        foreach path [lsort [glob -nocomplain [file join $root $folder $pattern]]] {
            set own [file join $root synth [file tail $path]]
            if {$folder eq "synth" || ![file exists $own]} {
                add_files -norecurse $path
            }
        }
    }
}
set_property file_type {Memory Initialization Files} [get_files *.hex]
set_property top onespike_axi [current_fileset]
update_compile_order -fileset sources_1

lassign [split $ip_vlnv :] vendor library name version
ipx::package_project -root_dir $ip_folder -vendor $vendor -library $library -taxonomy /UserIP -import_files
set core [ipx::current_core]
set_property name $name $core
set_property version $version $core
set_property display_name "Single-spike accelerator" $core
set_property description "A spiking network: registers on AXI4-Lite, images and logits on AXI4-Stream" $core
foreach bus {s_axi s_axis m_axis} {
    ipx::associate_bus_interfaces -busif $bus -clock aclk $core
}
ipx::infer_bus_interface irq xilinx.com:signal:interrupt_rtl:1.0 $core
set_property value LEVEL_HIGH [ipx::add_bus_parameter SENSITIVITY [ipx::get_bus_interfaces irq -of_objects $core]]
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
close_project

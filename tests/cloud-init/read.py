"""What cloud-init makes of a metadata service: `read.py SOURCE URL FOLDER UUID` runs one of its data sources (OpenStack, Ec2) as in a guest
with that UUID, keeps its files in FOLDER, and prints a JSON object. Nothing of this machine is read as if it were the guest's."""

import json
import logging
import os
import sys

from cloudinit import distros, dmi, helpers, net, user_data, version
from cloudinit.net import eni, netplan, network_state, sysconfig
from cloudinit.sources import DataSourceEc2, DataSourceOpenStack
from cloudinit.sources.helpers import ec2

source, url, folder, uuid = sys.argv[1:]

# What Nova's libvirt driver tells of itself in a guest's DMI tables.
hardware = {
    "system-manufacturer": "OpenStack Foundation",
    "system-product-name": "OpenStack Nova",
    "system-serial-number": uuid,
    "system-uuid": uuid,
    "chassis-asset-tag": "",
}


def interfaces(links):
    """The guest's network cards, in the order in which the metadata names them."""
    return {link["ethernet_mac_address"]: "ens%d" % (3 + at) for at, link in enumerate(links)}


def at_its_address(get):
    """The OpenStack data source reads EC2's tree at 169.254.169.254 alone, which may be something else's here."""
    return lambda version="latest", metadata_address=url, *rest, **named: get(version, metadata_address, *rest, **named)


def parts(message):
    """The parts of user or vendor data, as its handlers get them."""
    if message is None:
        return None
    found = []
    for part in message.walk():
        if part.get_content_maintype() != "multipart":
            payload = part.get_payload(decode=True).decode("utf-8", "backslashreplace")
            found.append([part.get_content_type(), part.get_filename(), payload])
    return found


def rendered(config, place):
    """The files that cloud-init would write into the guest, for the three kinds of distribution."""
    if not config:
        return None
    state = network_state.parse_net_config_data(config)
    kinds = {
        "netplan": netplan.Renderer({"postcmds": False}),
        "eni": eni.Renderer(),
        "sysconfig": sysconfig.Renderer(distros.fetch("rhel").renderer_configs.get("sysconfig", {})),
    }
    files = {}
    for kind, renderer in kinds.items():
        target = os.path.join(place, kind)
        os.makedirs(target)
        renderer.render_network_state(state, target=target)
        for directory, _, names in os.walk(target):
            for name in names:
                path = os.path.join(directory, name)
                with open(path, encoding="utf-8") as file:
                    lines = [line for line in file.read().split("\n") if not line.startswith("#")]
                files[kind + path[len(target) :]] = "\n".join(lines)
    return files


def main():
    # Its complaints are for people; the answer is what stands on standard output
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    dmi.read_dmi_data = hardware.get
    ec2.get_instance_metadata = at_its_address(ec2.get_instance_metadata)
    settings = {
        "datasource_list": [source],
        "datasource": {source: {"metadata_urls": [url], "max_wait": 20, "timeout": 10, "retries": 1, "strict_id": False}},
        "system_info": {"distro": "debian", "paths": {}},
    }
    paths = helpers.Paths({"cloud_dir": os.path.join(folder, "cloud"), "run_dir": os.path.join(folder, "run")})
    os.makedirs(paths.run_dir)
    distro = distros.fetch("debian")("debian", settings, paths)
    classes = {
        "OpenStack": DataSourceOpenStack.DataSourceOpenStack,
        "Ec2": DataSourceEc2.DataSourceEc2,
    }
    data = classes[source](settings, distro, paths)
    found = data.get_data()
    if not found:
        print(json.dumps({"version": version.version_string(), "found": False}))
        return
    with open(data.paths.get_runpath("instance_data_sensitive"), encoding="utf-8") as file:
        whole = json.load(file)
    told = getattr(data, "network_json", None)
    macs = interfaces(told.get("links", []) if isinstance(told, dict) else [])
    net.get_interfaces_by_mac = lambda *_, **__: macs
    processor = user_data.UserDataProcessor(paths)
    files = {path: text.decode() if isinstance(text, bytes) else text for path, text in getattr(data, "files", {}).items()}
    config = data.network_config
    print(
        json.dumps(
            {
                "version": version.version_string(),
                "found": True,
                "ds": whole["ds"],
                "v1": {key: value for key, value in whole["v1"].items() if not key.startswith(("sys", "distro", "kernel", "machine", "python", "variant"))},
                "sensitive": sorted(key for key in whole["sensitive_keys"] if key.startswith("ds")),
                "instance_id": data.get_instance_id(),
                "hostname": str(getattr(data.get_hostname(), "hostname", data.get_hostname())),
                "fqdn": str(getattr(data.get_hostname(fqdn=True), "hostname", data.get_hostname(fqdn=True))),
                "public_ssh_keys": data.get_public_ssh_keys(),
                "availability_zone": data.availability_zone,
                "region": data.region,
                "launch_index": data.launch_index,
                "user_data": parts(processor.process(data.get_userdata_raw())),
                "vendor_data": parts(processor.process(data.get_vendordata_raw())),
                "vendor_data2": parts(processor.process(data.get_vendordata2_raw())),
                "files": files,
                "network_config": config,
                "network_files": rendered(config, os.path.join(folder, "root")),
            },
            indent=1,
            sort_keys=True,
        )
    )


main()

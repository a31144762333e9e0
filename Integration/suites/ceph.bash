# A real Ceph cluster: images come out of it by `rbd export` and go back in by `rbd import`.

start_ceph() {
  # Its Unix sockets need a short path.
  cluster=$(mktemp -d /tmp/ceph.XXXXXX)
  defer "$integration/testbed/ceph-down" "$cluster"
  "$integration/testbed/ceph-up" "$cluster"
  export CEPH_CONF=$cluster/ceph.conf
}

test_rbd_image_through_pipes_and_back() {
  start_ceph
  "$varve" init
  make_mixed_volume disk.raw 96 1
  rbd import --no-progress disk.raw rbd/web01
  rbd export --no-progress rbd/web01 - | "$varve" backup web01 -
  qemu-io -f raw -c 'write -P 0x5a 20M 128k' -c 'discard 4M 4M' "rbd:rbd/web01:conf=$CEPH_CONF"
  rbd export --no-progress rbd/web01 changed.raw
  rbd export --no-progress rbd/web01 - | "$varve" backup web01 -

  "$varve" restore web01@1 - | rbd import --no-progress - rbd/old
  "$varve" restore web01@latest - | rbd import --no-progress - rbd/new
  rbd export --no-progress rbd/old - | cmp - disk.raw
  rbd export --no-progress rbd/new - | cmp - changed.raw
}

test_export_is_converted_straight_into_an_image() {
  start_ceph
  "$varve" init
  make_mixed_volume disk.raw 48 2
  "$varve" backup web01 disk.raw
  start_server
  qemu-img convert -f raw -O raw "$(nbd_uri web01@latest)" "rbd:rbd/converted:conf=$CEPH_CONF"
  rbd export --no-progress rbd/converted - | cmp - disk.raw
}
